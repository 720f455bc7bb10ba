-- Two accounts that must not see each other.
insert into accounts values ('north', 'North Ltd'), ('south', 'South Ltd');
insert into shops values ('north', 'web', 'Web shop'), ('north', 'kiosk', 'Kiosk'), ('south', 'web', 'Web shop');
insert into members values ('north', 'nora', 'boss'), ('north', 'ned', 'staff'), ('south', 'sam', 'boss');
insert into sessions values ('nora-token', 'nora'), ('ned-token', 'ned'), ('sam-token', 'sam');
insert into orders values ('north', 'web', 'n1', 'Marlow', 70), ('north', 'kiosk', 'n2', 'Marlow', 8), ('south', 'web', 's1', 'Marlow', 990);
